"""How the cost of a plugin grows with the size of its inputs."""
