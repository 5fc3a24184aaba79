"""Classifier and regressor with a trainable circuit."""
