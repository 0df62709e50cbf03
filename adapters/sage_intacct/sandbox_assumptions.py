"""What the emulator does that no page of the vendor states: invented here, or borrowed from what clients have seen."""

__all__ = ["ASSUMPTIONS"]

ASSUMPTIONS = (
    (
        "Errors of objects and queries are nested in ia::result, gateway errors (GW-nnnn) lie beside ia::meta, and "
        'an invalid token is a bare {"error": ...}; all three forms were seen, which goes where was chosen.'
    ),
    "An error whose number no page gives carries no errorId; the messages beside the documented ones are ours.",
    'An unknown or expired access token is 401 REST-2102 (setting bad_token_as_400: 400 "The token is not valid").',
    "A missing or non-Bearer Authorization header is 401 GW-0034, code unauthorized.",
    "An unknown key is 404 notFound, nested, for GET, PATCH and DELETE alike; so is a key that is not digits.",
    (
        'An unknown path is 400 "Malformed URL", another version 400 "Version is not supported."; 405 carries '
        "Allow and the code invalidRequest."
    ),
    (
        "A content type other than application/json is 400 GW-0014; a body that is not a JSON object is 400 "
        "invalidRequest."
    ),
    "Query-string parameters are refused with 400 on every route: no page documents one.",
    "A missing, null, blank or mistyped field is a detail of 400 REST-1064 with a target and no number.",
    "A duplicate customer-message id is 409 operationFailed; ids are compared case and all.",
    (
        "DELETE of a customer-message, and POST or DELETE of customers, e-mail templates and transaction "
        "definitions, are 405; the vendor documents the latter, the emulator does not have them. A customer's "
        "nested writable fields, customerMessage aside, are read-only here."
    ),
    (
        "Arrays and comma-separated keys (batch), arrays of queries, Prefer: respond-async, composite and bulk are "
        "refused."
    ),
    (
        "The token endpoint takes form and JSON bodies, ignores parameters it does not know, and refuses in the "
        "gateway's form: GW-0032 grant type or malformed username, GW-0036 no username, GW-0037 no client_id, "
        "GW-0015 another parameter missing, GW-0035 no body, 401 GW-0011 wrong client or user, 401 GW-0031 wrong "
        "refresh token."
    ),
    (
        "A refresh token works once and is replaced; a new client_credentials grant ends the user's older refresh "
        "tokens, and the access tokens live on for their 43200 s. Revoking an unknown token is 200."
    ),
    (
        "X-IA-API-Param-Entity with an unknown entity is 400. In an entity a caller sees its own customers and "
        "those of no entity; at the top level all. An e-mail template of a customer goes with the customer; "
        "nothing else has an entity."
    ),
    (
        "Private entities' customers (setting private_entities; none otherwise) are left out of top-level lists "
        "and queries without includePrivate; GET by key reaches them."
    ),
    "includeHierarchyFields is checked and adds nothing.",
    (
        "Idempotency keys are kept per user for POST and PATCH of objects, refusals with them; another body, path "
        "or entity, or the same request between 48 hours and 60 days later, is 409 invalidRequest. The cached date "
        "is ISO 8601."
    ),
    "A list answers the first 100 records by key, next null and totalCount the full count.",
    (
        "A reference in a payload takes key or id (txnDefinition: id only); both must name the same record. One "
        "that does not exist, cannot be seen or is inactive is 422 operationFailed."
    ),
    "txnDefinition and txnDefinitionName are both taken and both shown; null, or an id of null, clears them.",
    (
        "A PATCH may move a customer e-mail template to another customer, a pair of customer and template may be "
        "there twice, and {} changes nothing."
    ),
    "The id of a customer-message cannot be changed (REST-1050).",
    "A customer's contact fields are shown by GET and refused in a query (REST-1043), being deprecated.",
    (
        "A query needs object and one field or more; an unknown field is 400 REST-1064 with REST-1043, an unknown "
        "operator or a value that does not fit 400 invalidRequest. Query errors are 400 (setting "
        "query_errors_as_200: 200)."
    ),
    "Each filter names one operator and one field; the operator needs its $.",
    (
        "A value fits its field's type: text for text, a number or digits in a string for keys and amounts "
        "(compared as numbers), a boolean for a boolean; an enum takes any text. $in and $notIn take one value or "
        "more, no null."
    ),
    "Null passes $eq null only: $ne and the $not... operators leave it out.",
    (
        "$contains and its kind apply to text and enums only; boolean fields take $eq, $ne, $in, $notIn, $lte, "
        "$gte; $has fits no field of these objects."
    ),
    (
        "A date macro stands for a period: $lt is before its first day, $gt after its last, $between from the "
        "first's first day to the second's last. Weeks begin on Monday, quarters are the calendar's, and without "
        "asOfDate today is UTC's. A day compared with a date-time is that whole day."
    ),
    "and binds closer than or; the words are lower-case; an expression that leaves a filter out is refused.",
    "caseSensitiveComparison: false folds the case of every text comparison, not of orderBy or of groups.",
    (
        "Without orderBy rows come by key as a number (groups by their fields); equal rows too. Nulls sort last "
        "either way; text sorts by code point."
    ),
    (
        "size above 4000 or below 1 and start below 1 are 400. A start past the end answers an empty list, "
        "previous being the last page's start."
    ),
    (
        "count counts values that are not null and is a number; sum, avg, min and max of an amount are strings "
        "with two decimals, half rounded up, of other numbers numbers; of nothing they are null. avg and sum take "
        "numbers only. Without plain fields there is one row. With an aggregate, orderBy names fields of the "
        "answer."
    ),
    (
        "The lenient emulator takes null for any key of a query that may be left out; the strict one for "
        "filterExpression."
    ),
    (
        "The published examples are of several companies: setting example_scene is collection (list and query), "
        "record (get, update and delete) or empty (create)."
    ),
)
