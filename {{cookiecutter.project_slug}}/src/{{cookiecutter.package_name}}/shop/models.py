"""The table of products."""

from decimal import Decimal

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..database import Base
from .products import Item


class Product(Base):
    __tablename__ = "products"
    __cache_tags__ = ("products",)  # invalidated by each commit that changes a product

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text)
    cents: Mapped[int]  # a whole number is exact on every database
    stock: Mapped[int]

    @property
    def price(self) -> Decimal:
        return Decimal(self.cents).scaleb(-2)

    def item(self) -> Item:
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "price": f"{self.price:.2f}",
            "stock": self.stock,
        }
