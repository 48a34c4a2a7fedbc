"""The plugin system: manifest, registry, worker, sandbox.

Import from the modules: `platform_base.plugins.registry`, `.base`, `.errors`, `.testing`.
"""
