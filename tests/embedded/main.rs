//! The product driven from outside on embedded stores, and the rules of the house.

mod architecture;
