import './styles/tokens.css';
import './styles/base.css';
import './icon.svg?url';
