import { greeting } from "@hello/greeting";
import { createRoot } from "react-dom/client";

createRoot(document.getElementById("root")).render(<h1>{greeting("Nx")}</h1>);
