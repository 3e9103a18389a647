"""The network: needed only to fetch a model."""

from studio.failures.card import Card, Remedy

CARDS = (
    Card(
        "offline",
        "The Hub could not be reached",
        "There was no answer: no network, a proxy or firewall, or offline mode is switched on.",
        Remedy(
            "Try again", "See that this machine is online; a download goes on where it broke off."
        ),
        frozenset({"offline", "timeout"}),
        r"ConnectionError|Name or service not known|Temporary failure in name resolution"
        r"|ConnectTimeout|ReadTimeout|Network is unreachable|Connection (refused|reset)",
    ),
    Card(
        "certificate",
        "The connection is not trusted",
        "Somebody between here and the Hub, mostly a company's proxy, signs with a certificate that "
        "this machine does not know.",
        Remedy("Try again", "Ask for the proxy's certificate and name it in SSL_CERT_FILE."),
        pattern=r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError",
    ),
    Card(
        "hub",
        "The Hub had a problem",
        "It answered that it cannot serve this now, or that this machine asks too often.",
        Remedy("Try again", "Wait a little; a download goes on where it broke off."),
        frozenset({"hub"}),
        r"\b(429|500|502|503|504) (Client|Server) Error|Too Many Requests",
    ),
)
