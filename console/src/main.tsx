import { render } from "preact";
import { goThrough } from "./api/connect";
import { App } from "./app";
import { apiKey, expireKey } from "./signin";
import "./styles.css";

const refused = (): boolean => {
  expireKey();
  return false;
};
goThrough({ server: "", key: () => apiKey.value, refused });
const root = document.getElementById("app");
if (root) render(<App />, root);
