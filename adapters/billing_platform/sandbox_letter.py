"""The emulator's PDF letters."""

from adapters.billing_platform.sandbox_records import CorrespondenceRow, CustomerRow
from adapters.sandbox_company import COMPANY_NAME
from adapters.sandbox_paper import pdf

__all__ = ["letter_pdf"]

_TEXTS = {
    "Welcome": ("Thank you for choosing us.", "Your account is now open."),
    "Failed Payment": ("Your bank returned our last collection unpaid.", "Please pay by another method."),
    "Overdue Account": ("Your account is past its payment terms.", "Please pay the balance within seven days."),
    "Suspension Warning": ("Your account is still unpaid.", "Your services will be suspended in five days."),
    "Final Notice": ("This is our final notice.", "The debt will be passed on for collection in seven days."),
    "Copy Invoices": ("You asked us for copies of your invoices.", "They are attached."),
}


def letter_pdf(letter: CorrespondenceRow, customer: CustomerRow) -> bytes:
    """The letter as a PDF: sender, recipient, reference, date and text."""
    lines = (
        COMPANY_NAME,
        "",
        customer.name,
        *customer.address.splitlines(),
        "",
        f"Reference: {customer.account_number}/{letter.number}",
        f"Date: {letter.date}",
        "",
        *_TEXTS[letter.type],
    )
    return pdf(letter.type, lines)
