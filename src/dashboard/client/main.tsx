import './component-styles.ts';
import './styles.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { nonce } from './nonce.ts';

// The scroll lock of dialogs writes a style tag; it looks here for the nonce that lets it.
Object.assign(globalThis, { __webpack_nonce__: nonce });

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
