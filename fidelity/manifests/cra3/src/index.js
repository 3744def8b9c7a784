import React from 'react';
import ReactDOM from 'react-dom';
import { BrowserRouter, Route } from 'react-router-dom';
import './index.css';

function App() {
  return <BrowserRouter><Route path="/">page</Route></BrowserRouter>;
}

ReactDOM.render(<App />, document.getElementById('root'));
