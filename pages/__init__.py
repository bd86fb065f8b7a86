"""The pages of the console, one file each, and the shell they share."""
