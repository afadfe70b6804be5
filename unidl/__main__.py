from unidl.cli import main

raise SystemExit(main())
