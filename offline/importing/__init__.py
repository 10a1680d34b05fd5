"""Takes the data of others into a catalogue: sources of rows, readers of formats, one frame."""
