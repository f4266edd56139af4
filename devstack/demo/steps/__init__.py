"""What the play consists of, a file each. A chapter tells its steps, and fails where one turns out otherwise."""
