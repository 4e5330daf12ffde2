"""Trains the learned dialogue state tracker."""
