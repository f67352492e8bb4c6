"""What can be done about an incident, and how it is carried out."""
