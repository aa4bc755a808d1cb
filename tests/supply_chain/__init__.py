"""What the product is made of: the packages of production, their licences, and a bill of them."""
