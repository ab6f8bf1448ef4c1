"""What each part of the model is worth, how far other spellings move it, and what history adds."""
