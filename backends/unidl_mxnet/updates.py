class Updates:
    pass
