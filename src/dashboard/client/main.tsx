import './component-styles.ts';
// Order-sensitive: a later rule wins over an earlier one of the same weight.
import './styles/tones.css';
import './styles/frame.css';
import './styles/pages.css';
import './styles/wall.css';
import './styles/narrow-and-print.css';
import './styles/stream.css';
import './styles/lists.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { nonce } from './nonce.ts';

// The scroll lock of dialogs writes a style tag; it looks here for the nonce that lets it.
Object.assign(globalThis, { __webpack_nonce__: nonce });

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
