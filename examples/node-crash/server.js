throw new Error("DATABASE_URL is not set, so this app cannot start");
