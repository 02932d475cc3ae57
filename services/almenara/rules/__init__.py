"""The rules service: records in, alerts out. Detections come from the engine; the life of alerts is here."""
