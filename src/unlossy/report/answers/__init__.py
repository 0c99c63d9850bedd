"""How the answers of each task are drawn on the pictures that a study kept: boxes, maps, texts."""
