"""What people open: spreadsheets, pictures and pages."""
