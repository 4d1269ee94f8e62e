"""The demo: sample reviews with the mess of real ones, and the whole path run over them."""
