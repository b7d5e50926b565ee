"""CoVoST-2: translations of Common Voice 4, as they were published."""
