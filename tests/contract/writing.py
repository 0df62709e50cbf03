WRITES: tuple = ()
