-- One entry a minute says that more rejected requests came than could be kept by name (reason names-not-kept); every audit asks for them.
create index quarantine_names_not_kept on quarantine (received_at) where reason = 'names-not-kept';
