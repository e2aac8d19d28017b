"""`autoscaler demo`: the talk's app under a wave of traffic, scaled out and in before one's eyes."""
