import $ from 'jquery';
import 'bootstrap';
import './style.scss';
import dot from './dot.svg';

$(() => $('body').append(`<img src="${dot}">`).append([1, 2, 3].includes(2) ? 'yes' : 'no'));
