"""One module per family of encoders, each with `recognise(signature)`; `unlossy.jpeg.encoder` asks them in turn."""
