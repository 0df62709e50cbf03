"""What KashFlow's pages do not state and its emulator had to choose; no adapter may depend on any of it."""

__all__ = ["ASSUMPTIONS"]

ASSUMPTIONS = (
    # Sessions
    "A temporary token lives five minutes and is spent by any attempt at step 2; the page says 'x minutes'.",
    "Wrong or expired step-2 data is 400 InvalidCredentials, as wrong step-1 data is.",
    (
        "Five wrong passwords or wrong letters since the last whole login lock the account; the fifth is still "
        "answered 400. From then on both steps and every call with a live session are 401 AccountLocked, until the "
        "state is thrown away."
    ),
    "A name that is no account's is 400 InvalidCredentials and counts towards no lockout.",
    (
        "Step 1 asks for three different positions of the memorable word, in rising order; MemorableWordPositions "
        "is the same list with commas."
    ),
    "KeepUserLoggedIn does not lengthen a session.",
    "DELETE /sessiontoken/{token} needs no Authorization header; an unknown token is 401 InvalidSessionToken.",
    "The scheme KfToken is taken in any case, the token exactly.",
    (
        "A fourth 401 case hinted at by the authentication page is not emulated, nor are external, mobile and "
        "OAuth logins."
    ),
    # Requests and refusals
    "The words of a path are taken in any case, customer codes and tokens exactly.",
    (
        "An unknown, repeated or malformed query parameter and an unknown or wrongly typed body field are 400 "
        "InvalidRequest; read-only fields are passed over and null is as if the field were not there."
    ),
    "A body that is not said to be application/json is 415 UnsupportedMediaType; one that is not JSON is 400.",
    "XML is not emulated: an Accept header without JSON is 406 NotAcceptable.",
    "An unknown path is 404 NotFound and a wrong method 405 MethodNotAllowed, both in the usual envelope.",
    (
        "Lenient takes parameters and fields in any case, ignores unknown ones, takes step 1 as a form, and pages "
        "of any size."
    ),
    # Lists
    "GET /customers has 50 rows a page, at most 100 without skipperpagevalidation=true; more is 400.",
    ("GET /customers is in rising order of Code unless told otherwise; equal values are then in rising order of Code."),
    "A page past the last is empty, its PreviousPageUrl the last page; page 0 is 400.",
    (
        "A list's links are absolute under the request's host, with page and perpage first and the other "
        "parameters kept; TotalAmount is 0."
    ),
    (
        "namestartswith and searchtext take any case; searchtext looks into code, name and the contacts' e-mail "
        "addresses."
    ),
    (
        "startcreationdate, endcreationdate, fromDate and toDate are yyyymmdd, YYYY-MM-DD or YYYY-MM-DD HH:mm:ss, "
        "inclusive."
    ),
    # Customers
    "A missing customer is 404 CustomerNotFound; a code that is taken is 400 DuplicateCustomerCode.",
    "PUT changes the fields it names and leaves the rest; a list such as Contacts is replaced whole.",
    (
        "A customer created without a Code, or with a taken one and CreateCustomerCodeIfDuplicate, gets three "
        "letters of its name and a number; one whose name is filled in takes its code's."
    ),
    "DELETE /customers/{code} does not look at transactions, and takes the customer's notes with it.",
    "updateInvoicesAddress is taken and has nothing to act on: there are no invoices.",
    "Currency.Code must be GBP, EUR, CHF or USD.",
    ("Dates are written 'yyyy-MM-dd HH:mm:ss' in UTC, 1900-01-01 12:00:00 for never; one customer's carry +05:30."),
    # Statements
    "More than 35 codes, an empty list or one of anything but strings is 400 and nothing is sent.",
    "A malformed date, one date without the other, or a start after the end is 400 and nothing is sent.",
    "A filterby other than all (in any case) is ignored.",
    "A code given twice is processed twice and has two rows.",
    "Archived customers get statements like others.",
    (
        "The primary contact's address (without one the first contact's) decides whether a statement can be sent; "
        "contacts with ReceiveEmails get it too, in the same mail."
    ),
    "A code is matched exactly, spaces included; the answer repeats it as it was given.",
    (
        "A customer whose EmailTemplateNumber is no template's gets the default statement template; of the "
        "placeholders, CUSTCODE, NAME and TOTAL are filled, TOTAL with the outstanding balance."
    ),
    "The last three months end today, by the emulator's clock in UTC.",
    "The customer note names the period and the addresses.",
    # E-mail log, templates, notes
    (
        "A statement marked to send is in the e-mail log at once, a row for each address: Queued until its time, "
        "then Sent or Failed; the Status names, RecipientType 'To', null ErrorMessage and never as SentTimestamp "
        "are invented."
    ),
    (
        "The e-mail log is newest first; sortby takes the names CreatedTimestamp, SentTimestamp, Status, Subject "
        "and RecipientEmailId, no numbers; subject and email match any part, in any case."
    ),
    "A mail that fails after it was marked keeps its note, and is not in the emulator's outbox.",
    "A missing e-mail template is 404 EmailTemplateNotFound.",
    "PUT of a note answers 200 and the note; a note needs a Text, and its author is the account's user.",
)
