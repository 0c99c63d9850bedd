"""The trainable networks, in torch alone: they run where nothing but torch, numpy and Pillow is installed."""
