"""The engines that Tintype grows onto, as plain child processes: for tests and the fleet."""
