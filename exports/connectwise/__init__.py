"""The core: what there is to know of ConnectWise and the XML, without Django or a database."""
