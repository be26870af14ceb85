throw new Error("the other app");
