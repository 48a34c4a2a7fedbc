"""How profiles look: text, pages without scripts, and a file for the viewer speedscope."""
