"""Headers of formats that are not JPEG, one module per family, each with `read(window) -> OtherHeader`."""
