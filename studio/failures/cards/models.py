"""The base model: gone, changed, closed, damaged or unknown."""

from studio.failures.card import Card, Remedy

CHOOSE = Remedy("Choose the model again", "Start the training anew with it.", "open", page="/")

CARDS = (
    Card(
        "model_missing",
        "The base model is gone",
        "Its folder was deleted or moved since the training was queued.",
        Remedy(
            "Choose the model again",
            "Start the training anew: the model is then fetched or converted again.",
            "open",
            page="/",
        ),
        frozenset({"model_missing", "not_fetched"}),
    ),
    Card(
        "model_changed",
        "The base model was changed",
        "Its files are not those that the training was queued with, so the result would not be what "
        "was asked for.",
        CHOOSE,
        frozenset({"model_changed"}),
        r"changed since",
    ),
    Card(
        "gated",
        "The model asks for consent",
        "Its owner lets only those have it who have agreed to the terms on its page.",
        Remedy(
            "I have agreed: try again",
            "Open the model's page on the Hub, agree, and make a token known (HF_TOKEN).",
        ),
        frozenset({"gated"}),
        r"GatedRepoError|Access to model .* is restricted|401 Client Error|403 Client Error",
    ),
    Card(
        "model_not_found",
        "There is no such model",
        "The Hub knows no model of that name, or not in that revision.",
        CHOOSE,
        frozenset({"not_found"}),
        r"RepositoryNotFoundError|RevisionNotFoundError|404 Client Error",
    ),
    Card(
        "model_damaged",
        "The model's files are damaged",
        "A file of weights is cut off or not what it claims to be; mostly a download or a copy that broke off.",
        Remedy("Try again", "Fetch or copy the model again first."),
        pattern=r"SafetensorError|MetadataIncompleteBuffer|HeaderTooLarge|InvalidHeader"
        r"|not a GGUF file",
    ),
    Card(
        "model_unknown",
        "This kind of model is not known here",
        "The installed libraries have no code for its architecture, and code that comes with a model is "
        "never run.",
        CHOOSE,
        pattern=r"does not recognize this architecture|model type .* but Transformers"
        r"|trust_remote_code|Unrecognized (model|configuration class)",
    ),
    Card(
        "tokenizer",
        "The model's tokenizer cannot be read",
        "The folder has weights, but not the files that say how text becomes tokens.",
        CHOOSE,
        pattern=r"tokenizer in .* cannot be read|Can't load tokenizer|no chat template",
    ),
    Card(
        "shapes",
        "The weights do not fit the model",
        "Sizes of the file and of the model differ: an adapter of another base, or files of two models mixed.",
        CHOOSE,
        pattern=r"size mismatch for|cannot be put on this base model|shapes cannot be multiplied",
    ),
    Card(
        "model",
        "The base model cannot be used",
        "It is incomplete, or not what this training needs.",
        CHOOSE,
        frozenset({"model"}),
    ),
)
