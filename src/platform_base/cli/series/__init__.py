"""Reading inputs for a plugin from files that instruments and programs write."""
