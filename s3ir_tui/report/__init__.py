"""What a case folder says afterwards: timeline and report."""
