"""Networks that repair compressed pictures, guided by the evidence in the bytes."""
