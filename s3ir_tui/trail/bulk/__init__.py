"""Folders of CloudTrail at the speed of the machine: decoded and added up in worker processes, merged in this one."""
