"""What both programs are alike in, whatever they do: how they log, and where they listen."""
