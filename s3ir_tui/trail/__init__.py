"""CloudTrail: events, sources, detections, lineage, sightings and the quiet watch."""
