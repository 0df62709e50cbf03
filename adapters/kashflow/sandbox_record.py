"""A customer as KashFlow's emulator keeps it: its fields, which may be written, and its row in the list."""

from typing import Annotated
from uuid import uuid4

import msgspec

from adapters.kashflow.sandbox_fields import canonical, checked, read_fields
from adapters.kashflow.sandbox_query import NEVER, invalid

__all__ = [
    "Address",
    "Contact",
    "CreationFlags",
    "Customer",
    "Terms",
    "currency",
    "read_customer",
    "summary_of",
    "take_creation_flags",
]


class Contact(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person at a customer. ``Firstname`` and ``LastName`` are cased as KashFlow cases them."""

    Id: int = 0
    IsPrimary: bool = False
    ReceiveEmails: bool = False
    Name: str = ""
    Title: str = ""
    Firstname: str = ""
    LastName: str = ""
    Telephone: str = ""
    Fax: str = ""
    Mobile: str = ""
    Website: str = ""
    Email: str = ""


class Address(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A postal address; ``Name`` is a delivery address's."""

    Name: str | msgspec.UnsetType = msgspec.UNSET
    Line1: str = ""
    Line2: str = ""
    Line3: str = ""
    Line4: str = ""
    PostCode: str = ""
    CountryCode: str = "GB"
    CountryName: str = ""


class Terms(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """When an invoice is due."""

    Type: str = "AfterMonthEnd"
    Days: int = 30


class Unit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A currency; only ``Code`` can be written."""

    Code: str
    Name: str = ""
    Symbol: str = ""
    ExchangeRate: float = 1.0
    DisplaySymbolOnRight: bool = False


class Named(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A custom field; a check box is "1" on the page and true in the specification."""

    Name: str = ""
    Value: str | bool = ""


class CreationFlags(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a POST may ask for instead of being refused: a code of its own, a name."""

    CreateCustomerCodeIfDuplicate: bool = False
    CreateCustomerNameIfEmptyOrNull: bool = False


_CURRENCIES = {
    "GBP": Unit(Code="GBP", Name="Pound Sterling", Symbol="£"),
    "EUR": Unit(Code="EUR", Name="Euro", Symbol="€", ExchangeRate=1.17),
    "CHF": Unit(Code="CHF", Name="Swiss Franc", Symbol="CHF", ExchangeRate=1.1),
    "USD": Unit(Code="USD", Name="US Dollar", Symbol="$", ExchangeRate=1.3),
}
# KashFlow writes Greece as EL.
_COUNTRIES = {"GB": "United Kingdom", "CH": "Switzerland", "DE": "Germany", "IE": "Ireland", "EL": "Greece"}


def currency(code: str) -> Unit:
    """The currency of that code, of those set up in the emulated account."""
    if code not in _CURRENCIES:
        raise invalid(f"Currency.Code must be one of {', '.join(_CURRENCIES)}")
    return _CURRENCIES[code]


class Customer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole customer, fields in the order they are answered."""

    Id: int = 0
    Code: str = ""
    Name: str = ""
    DisplayName: str = ""
    CustomerKey: str = msgspec.field(default_factory=lambda: str(uuid4()))
    UniqueEntityNumber: str = ""
    Source: int = 0
    SourceName: str = ""
    Note: str = ""
    DefaultCustomerReference: str = ""
    VATNumber: str = ""
    AutoIncludeVATNumber: bool = False
    IsRegisteredInEC: bool = False
    IsRegisteredOutsideEC: bool = False
    TradeBorderType: str = ""
    IsCISReverseCharge: bool = False
    ApplyWithholdingTax: bool = False
    WithholdingTaxRate: float = 0.0
    WithholdingTaxReferences: list[Named] = []
    DiscountRate: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    ShowDiscount: bool = False
    ReceivesWholesalePricing: bool = False
    DefaultNominalCode: int = 4000
    EnableCreditLimit: bool = False
    CreditLimit: float = 0.0
    PaymentTerms: Terms = msgspec.field(default_factory=Terms)
    Currency: Unit = msgspec.field(default_factory=lambda: _CURRENCIES["GBP"])
    EmailTemplateNumber: int = 0
    OverrideInvoiceFileFormat: bool = False
    InvoiceFileFormat: str = ""
    PDFThemeId: int = 0
    UsesDefaultTheme: bool = True
    AutomaticCreditControlEnabled: bool = False
    EnvelopeUrl: str = ""
    Contacts: list[Contact] = []
    Addresses: list[Address] = []
    UseCustomDeliveryAddress: bool = False
    DeliveryAddresses: list[Address] = []
    CustomTextBoxes: list[Named] = []
    CustomCheckBoxes: list[Named] = []
    TotalPaidAmount: float = 0.0
    OutstandingBalance: float = 0.0
    OverdueAmount: float = 0.0
    InvoicedNetAmount: float = 0.0
    InvoicedVATAmount: float = 0.0
    InvoiceCount: int = 0
    AverageDaysToPay: int = 0
    FirstInvoiceDate: str = NEVER
    LastInvoiceDate: str = NEVER
    IsArchived: bool = False
    IsSchedule: bool = False
    MarkedAsStale: bool = False
    IsGoCardlessMandateSet: bool = False
    CreatedDate: str = NEVER
    LastUpdatedDate: str = NEVER

    def settle(self) -> None:
        """Fills in what follows from other fields; the whole of this object is then as it is answered."""
        self.DisplayName = self.Name
        self.EnvelopeUrl = f"/v2/documents/customers/{self.CustomerKey}"
        self.Currency = currency(self.Currency.Code)
        self.UsesDefaultTheme = self.PDFThemeId == 0
        for address in (*self.Addresses, *self.DeliveryAddresses):
            address.CountryName = _COUNTRIES.get(address.CountryCode, "")
        last = max((contact.Id for contact in self.Contacts), default=0) or self.Id * 100
        for contact in self.Contacts:
            contact.Name = contact.Name or f"{contact.Firstname} {contact.LastName}".strip()
            if contact.Id == 0:
                last += 1
                contact.Id = last


_READ_ONLY = {
    "Id", "DisplayName", "CustomerKey", "Key", "SourceName", "UsesDefaultTheme", "EnvelopeUrl", "TotalPaidAmount",
    "OutstandingBalance", "OverdueAmount", "InvoicedNetAmount", "InvoicedVATAmount", "InvoiceCount", "AverageDaysToPay",
    "FirstInvoiceDate", "LastInvoiceDate", "IsSchedule", "MarkedAsStale", "IsGoCardlessMandateSet", "CreatedDate",
    "LastUpdatedDate",
}  # fmt: skip
# The customers page and the specification name these fields differently.
_OLDER_NAMES = {
    "VatNumber": "VATNumber",
    "ApplyWHT": "ApplyWithholdingTax",
    "WHTRate": "WithholdingTaxRate",
    "WHTReferences": "WithholdingTaxReferences",
    "DisplayOnRight": "DisplaySymbolOnRight",
}
_SUMMARY = (
    "Id", "Code", "Name", "TotalPaidAmount", "OutstandingBalance", "IsSchedule", "SourceName", "DefaultNominalCode",
    "IsArchived", "VATNumber", "TradeBorderType", "IsCISReverseCharge", "ApplyWithholdingTax", "CustomerKey",
    "Contacts", "Addresses", "Currency",
)  # fmt: skip


def summary_of(customer: Customer) -> bytes:
    """The customer's row in the list, as JSON."""
    return msgspec.json.encode({name: getattr(customer, name) for name in _SUMMARY})


def read_customer(current: Customer, body: object, *, lenient: bool) -> Customer:
    """``current`` as the body of a POST or PUT changes it.

    What is not named or null stays, read-only fields are passed over, a list is replaced whole.
    """
    if not isinstance(body, dict):
        raise invalid("The request body must be a customer")
    fields = canonical(body, Customer, lenient=lenient, older=_OLDER_NAMES)
    written = {name: value for name, value in fields.items() if name not in _READ_ONLY}
    customer = checked(msgspec.to_builtins(current) | written, Customer)
    known = {contact.Id for contact in current.Contacts}
    for contact in customer.Contacts:
        contact.Id = contact.Id if contact.Id in known else 0
    customer.Code = customer.Code.strip()
    return customer


def take_creation_flags(body: object, *, lenient: bool) -> tuple[object, CreationFlags]:
    """The body of a POST without its creation flags, and those."""
    if not isinstance(body, dict):
        return body, CreationFlags()
    names = {name.lower() if lenient else name for name in CreationFlags.__struct_fields__}
    flags = {key: value for key, value in body.items() if (key.lower() if lenient else key) in names}
    rest = {key: value for key, value in body.items() if key not in flags}
    return rest, read_fields(flags, CreationFlags, lenient=lenient)
