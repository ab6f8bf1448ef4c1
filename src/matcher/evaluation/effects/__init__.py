"""What changing a term of a hire causes, from logged hires: adjusted, bounded, or declined."""
