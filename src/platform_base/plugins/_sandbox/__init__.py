"""What a plugin may do: policies, and the backends that enforce them in the kernel."""
