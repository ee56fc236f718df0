"""Lambda that runs: the functions moto knows, in worker processes behind the Lambda Runtime API."""
