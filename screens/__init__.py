"""What people see: the Textual screens of the console."""
