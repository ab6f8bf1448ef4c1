"""What another policy would have brought, from the log of who was chosen with which chance."""
