"""`lookout load run`, `profiles` and `worker`: their options, and what is said on the screen."""
