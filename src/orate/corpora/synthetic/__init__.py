"""People that nobody knows: heads of ICT-FaceKit with random looks, drawn offscreen, moved by real clips."""
